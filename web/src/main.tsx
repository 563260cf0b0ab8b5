import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { App } from './app.js';
import { BASE_PATH } from './base-path.js';
import { queries } from './gatehouse.js';
import { SessionProvider } from './session.js';
import './styles/base.css';
import './styles/parts.css';
import './styles/forms.css';
import './styles/tables.css';
import './styles/layout.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element #root.');
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <SessionProvider>
          <Router base={BASE_PATH}>
            <App />
          </Router>
        </SessionProvider>
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
);
